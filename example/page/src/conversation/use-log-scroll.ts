import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';

/** So near to the end counts as there. */
const endMargin = 48;
/** So near to an edge more is loaded. */
const loadMargin = 900;

/** What is brought to the top has the line above it, and a little of what was said before. */
const topMargin = 96;

/** What the eye should rest on while the log changes: its end, or one message at its place. */
type Anchor = 'end' | { id: string; top: number };

/** What the scrolling needs of the log. */
export interface LogEdges {
  /** Changes whenever rows do. */
  rows: unknown;
  isReady: boolean;
  hasOlder: boolean;
  hasNewer: boolean;
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
}

/** A log that keeps its place. */
export interface LogScroll {
  ref: RefObject<HTMLDivElement | null>;
  /** The newest message is in sight. */
  isAtEnd: boolean;
  /** The same at this moment: an effect may run before a render that knows of it. */
  isEndInSight(): boolean;
  onScroll(): void;
  toEnd(): void;
  /** Brings a message to the top when it is above what can be seen. */
  toTop(id: string): void;
  /** Brings a message to the middle and gives it the focus; false when it is not here. */
  toMessage(id: string): boolean;
}

/**
 * Keeps what is read in its place, whatever is added or let go above or below it: at the end the log follows new
 * messages, elsewhere the message at the top stays where it is. Loads more near the edges.
 */
export function useLogScroll(edges: LogEdges): LogScroll {
  const ref = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor>('end');
  const latest = useRef(edges);
  const [isAtEnd, setIsAtEnd] = useState(true);

  const loadNearEdges = useCallback(() => {
    const log = ref.current!;
    const { isReady, hasOlder, hasNewer, loadOlder, loadNewer } = latest.current;
    if (!isReady) return;
    if (hasOlder && log.scrollTop < loadMargin) void loadOlder();
    if (hasNewer && spaceBelow(log) < loadMargin) void loadNewer();
  }, []);

  const look = useCallback(() => {
    const log = ref.current!;
    const isEnd = spaceBelow(log) < endMargin && !latest.current.hasNewer;
    anchor.current = isEnd ? 'end' : (firstInSight(log) ?? 'end');
    setIsAtEnd(isEnd);
  }, []);

  const restore = useCallback(() => {
    const log = ref.current!;
    if (anchor.current === 'end') {
      log.scrollTop = log.scrollHeight;
      return;
    }
    const { id, top } = anchor.current;
    const message = find(log, id);
    if (message) log.scrollTop += topIn(log, message) - top;
  }, []);

  useLayoutEffect(() => {
    latest.current = edges;
    restore();
    look();
    loadNearEdges();
  }, [edges.rows, edges.isReady, edges.hasOlder, edges.hasNewer, restore, look, loadNearEdges]);

  // Ends together with the log: a passive effect would end after it has gone, and gone is a change of size too.
  useLayoutEffect(() => {
    const log = ref.current!;
    // Pictures arrive, the composer grows, the phone is turned.
    const observer = new ResizeObserver(restore);
    observer.observe(log);
    for (const child of log.children) observer.observe(child);
    return () => observer.disconnect();
  }, [restore]);

  return {
    ref,
    isAtEnd,
    isEndInSight: useCallback(() => anchor.current === 'end', []),
    onScroll: useCallback(() => {
      look();
      loadNearEdges();
    }, [look, loadNearEdges]),
    toEnd: useCallback(() => {
      anchor.current = 'end';
      restore();
      look();
    }, [restore, look]),
    toTop: useCallback(
      (id: string) => {
        const log = ref.current!;
        const message = find(log, id);
        const above = message ? topIn(log, message) - topMargin : 0;
        if (above >= 0) return;
        log.scrollTop += above;
        look();
      },
      [look],
    ),
    toMessage: useCallback(
      (id: string) => {
        const message = find(ref.current!, id);
        if (!message) return false;
        message.scrollIntoView({ block: 'center' });
        message.focus({ preventScroll: true });
        flash(message);
        look();
        return true;
      },
      [look],
    ),
  };
}

/** Shows which message was meant. A change of colour is no movement, so it is for everybody. */
function flash(message: HTMLElement): void {
  message.querySelector('.bubble')?.animate({ background: ['var(--flash)', 'var(--flash)', 'transparent'] }, 1600);
}

const spaceBelow = (log: HTMLElement) => log.scrollHeight - log.scrollTop - log.clientHeight;
const find = (log: HTMLElement, id: string) => log.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
const topIn = (log: HTMLElement, element: HTMLElement) =>
  element.getBoundingClientRect().top - log.getBoundingClientRect().top;

function firstInSight(log: HTMLElement): Anchor | undefined {
  for (const message of log.querySelectorAll<HTMLElement>('[data-id]')) {
    const top = topIn(log, message);
    if (top + message.offsetHeight > 0) return { id: message.dataset.id!, top };
  }
  return undefined;
}
