import type { MessageShape } from 'express-realtime-chat/client';
import { textOf } from '../content/fragment.ts';
import { mediaSummaryOf, nameOf } from '../rooms/names.ts';
import { useConversation } from './context.ts';

/** The message that another answers; a click goes there. */
export function Quote({ message }: { message: NonNullable<MessageShape['parent_message']> }) {
  const { jumpTo } = useConversation();
  if (!('sender' in message)) return <p className="quote gone">Deleted message</p>;
  return (
    <button type="button" className="quote" title="Go to this message" onClick={() => jumpTo(message)}>
      <QuoteText message={message} />
    </button>
  );
}

/** Who said it, and how it began. */
export function QuoteText({ message }: { message: MessageShape }) {
  return (
    <>
      <strong>{nameOf(message.sender)}</strong>
      <span dir="auto">{textOf(message.content).slice(0, 200) || mediaSummaryOf(message) || 'Message'}</span>
    </>
  );
}
