/** A socket that looks at every frame both ways. Made for one device, it goes to one of the gateways, as a balancer would send it. */
import WebSocket from 'ws';
import type { DeviceLog } from './device-log.js';
import type { Report } from './report.js';
import { WireWatch } from './wire-watch.js';

/** What a socket belongs to. */
export interface WireOwner {
  readonly log: DeviceLog;
  readonly report: Report;
  /** The address of a gateway, another one perhaps each time. */
  address(): string;
  opened(wire: Wire): void;
  closed(wire: Wire, code: number): void;
}

/** Close codes that say that a device of the load did something wrong. */
const BLAMING = new Set([1002, 1003, 1007, 1008, 1009, 4001, 4008]);

/** One connection. */
export class Wire extends WebSocket {
  readonly watch: WireWatch;

  constructor(owner: WireOwner, protocols: string | string[]) {
    super(owner.address(), protocols, { perMessageDeflate: false });
    const { log, report } = owner;
    this.watch = new WireWatch(log, report);
    this.on('error', () => {});
    this.on('open', () => owner.opened(this));
    this.on('message', (data: Buffer, isBinary: boolean) => this.watch.came(data.toString(), isBinary));
    this.on('close', (code) => {
      if (BLAMING.has(code)) report.breach('answer', `${log.name} was closed with ${code}.`);
      report.count(`closed with ${code}`);
      owner.closed(this, code);
    });
  }

  override send(data: string): void {
    this.watch.sent(data);
    super.send(data);
  }
}
