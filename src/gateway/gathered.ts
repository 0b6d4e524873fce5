/** When what is waiting is sent, and how much of it at a time. */
export interface GatheredOptions {
  /** Items in one sending at most. */
  readonly most: number;
  /** Sendings under way at a time, of which more than one only when so much waits that it fills them. */
  readonly underWay: number;
  /** Milliseconds after which a sending keeps nobody any more: who answers it may have died. */
  readonly patience: number;
}

/**
 * Sends one by one what comes alone, and together what comes while others are under way: groups form under load only.
 *
 * @param send must not reject
 */
export function gathered<Item>(
  send: (items: Item[]) => Promise<void>,
  { most, underWay, patience }: GatheredOptions,
): (item: Item) => void {
  let waiting: Item[] = [];
  let sendings = 0;
  let isDue = false;

  function leave(): void {
    isDue = false;
    while (waiting.length > 0 && sendings < (waiting.length < most ? 1 : underWay)) {
      const items = waiting.slice(0, most);
      waiting = waiting.slice(most);
      sendings += 1;
      let isOver = false;
      const over = () => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        sendings -= 1;
        leave();
      };
      const timer = setTimeout(over, patience);
      timer.unref();
      void send(items).then(over, over);
    }
  }

  return (item) => {
    waiting.push(item);
    if (isDue) return;
    isDue = true;
    setImmediate(leave);
  };
}
