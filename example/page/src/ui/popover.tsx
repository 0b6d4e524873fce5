import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';

const gap = 6;

/** Opens a popover at an element. */
export interface PopoverHandle {
  open(at: HTMLElement): void;
}

/**
 * Something small over the page, at the element that opened it. A click beside it and Escape close it, and the focus
 * goes back: the browser does that. Its children are made when it opens.
 */
export function Popover({
  ref,
  id,
  label,
  children,
}: {
  ref: Ref<PopoverHandle>;
  id: string;
  label: string;
  children: (close: () => void) => ReactNode;
}) {
  const element = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<HTMLElement | null>(null);
  useImperativeHandle(ref, () => ({ open: setAt }), []);
  useEffect(() => {
    const popover = element.current;
    if (!at || !popover) return;
    popover.showPopover();
    place(popover, at);
    popover.querySelector<HTMLElement>('button, input')?.focus();
  }, [at]);
  const close = () => {
    element.current?.hidePopover();
    at?.focus();
  };
  if (!at) return null;
  return (
    <div
      ref={element}
      id={id}
      className="popover"
      popover="auto"
      role="dialog"
      aria-label={label}
      onToggle={(event) => {
        if (event.newState === 'closed') setAt(null);
      }}
    >
      {children(close)}
    </div>
  );
}

/** Above the element where there is room, else below, and never beyond the edge of the window. */
function place(popover: HTMLElement, at: HTMLElement): void {
  const target = at.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const left = Math.min(Math.max(gap, target.left + target.width / 2 - width / 2), innerWidth - width - gap);
  const top = target.top - height - gap > gap ? target.top - height - gap : target.bottom + gap;
  popover.style.left = `${left}px`;
  popover.style.top = `${Math.min(top, innerHeight - height - gap)}px`;
}
