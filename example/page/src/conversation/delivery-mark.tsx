import type { MessageShape } from 'express-realtime-chat/client';
import { nameOf } from '../rooms/names.ts';
import { Icon } from '../ui/icon.tsx';

/** How far an own message has come: the server has it, it reached somebody, somebody read it. */
export function DeliveryMark({ message, others }: { message: MessageShape; others: number }) {
  const { read_count: read, delivered_count: delivered } = message;
  const state = read > 0 ? 'read' : delivered > 0 ? 'delivered' : 'sent';
  const label = labelOf(message, others);
  return (
    <span className="delivery" data-state={state} role="img" aria-label={label} title={label}>
      <Icon name={state === 'sent' ? 'sent' : 'delivered'} />
    </span>
  );
}

function labelOf({ read_count, read_receipts, delivered_count, delivered_to }: MessageShape, others: number): string {
  const of = others > 1 ? ` ${read_count || delivered_count} of ${others}` : '';
  const names = (list: string[]) => (others > 1 && list.length > 0 ? `: ${list.join(', ')}` : '');
  if (read_count > 0)
    return `Read by${of || ` ${nameOf(read_receipts[0]?.reader)}`}${names(read_receipts.map(({ reader }) => nameOf(reader)))}`;
  if (delivered_count > 0) return of ? `Delivered to${of}${names(delivered_to)}` : 'Delivered';
  return 'Sent';
}
