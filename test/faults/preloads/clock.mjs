/** Preloaded by tests: this process' clock is off by CHAT_FAULT_CLOCK milliseconds. */
const off = Number(process.env.CHAT_FAULT_CLOCK ?? 0);
if (off !== 0) {
  const Right = Date;
  const now = () => Right.now() + off;
  globalThis.Date = class extends Right {
    constructor(...args) {
      if (args.length === 0) super(now());
      else super(...args);
    }

    static now() {
      return now();
    }
  };
}
