import type { OutboxEntry } from 'express-realtime-chat/client';
import { memo } from 'react';
import { Content } from '../content/content.tsx';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { sentenceOf } from '../ui/sentences.ts';
import { timeOf } from '../ui/time.ts';
import { useConversation } from './context.ts';

/** An own message that the server does not have yet, or has refused. */
export const PendingMessage = memo(function PendingMessage({
  entry,
  isFirst,
}: {
  entry: OutboxEntry;
  isFirst: boolean;
}) {
  const { retry, discard } = useConversation();
  const { client_id, content, status, error, extra_fields: extra } = entry;
  const hasFailed = status === 'failed';
  const what = extra?.forwarded_from_id ? 'Forwarded message' : extra?.media?.length ? 'Attachment' : '';
  return (
    <article
      className={`message own pending${isFirst ? ' first' : ''}${hasFailed ? ' failed' : ''}`}
      aria-label={`You, ${timeOf(entry.created_at)}, ${hasFailed ? 'not sent' : 'on its way'}`}
      tabIndex={-1}
    >
      <div className="bubble-line">
        <div className="bubble">
          {what && <p className="forwarded">{what}</p>}
          {content && <Content html={content} />}
          <p className="meta">
            <time dateTime={entry.created_at}>{timeOf(entry.created_at)}</time>
            <span
              className="delivery"
              data-state={status}
              role="img"
              aria-label={hasFailed ? 'Not sent' : 'On its way'}
            >
              <Icon name={hasFailed ? 'failed' : 'clock'} />
            </span>
          </p>
        </div>
        {!hasFailed && (
          <div className="tools">
            <IconButton icon="trash" label="Discard" onClick={() => discard(client_id)} />
          </div>
        )}
      </div>
      {hasFailed && (
        <p className="failure-note">
          Not sent. {error && sentenceOf(error)}{' '}
          <button type="button" className="button small" onClick={() => retry(client_id)}>
            Try again
          </button>
          <button type="button" className="button small" onClick={() => discard(client_id)}>
            Discard
          </button>
        </p>
      )}
    </article>
  );
});
