import type { MessageShape } from 'express-realtime-chat/client';
import { type FocusEvent, memo, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { Content } from '../content/content.tsx';
import { nameOf } from '../rooms/names.ts';
import { Avatar } from '../ui/avatar.tsx';
import { fullTimeOf, timeOf } from '../ui/time.ts';
import { Attachments } from './attachments.tsx';
import { DeliveryMark } from './delivery-mark.tsx';
import { MessageTools } from './message-tools.tsx';
import { Quote } from './quote.tsx';
import { Reactions } from './reactions.tsx';

/** A message with all that belongs to it. */
export const Message = memo(function Message({
  message,
  isFirst,
  isTabStop,
  isDirect,
  memberCount,
}: {
  message: MessageShape;
  /** The first of a turn: with name and picture. */
  isFirst: boolean;
  /** The one message that Tab stops at; the arrow keys go on from there. */
  isTabStop: boolean;
  isDirect: boolean;
  memberCount: number;
}) {
  const { account } = useAccount();
  const [hasFocus, setHasFocus] = useState(false);
  // Tab stops at the tools of the focused message only.
  const tabIndex = hasFocus ? 0 : -1;
  const isOwn = String(message.sender.id) === String(account.user.id);
  const author = nameOf(message.sender);
  const onBlur = (event: FocusEvent) => setHasFocus(event.currentTarget.contains(event.relatedTarget));
  const classes = ['message', isOwn && 'own', isFirst && 'first'].filter(Boolean).join(' ');
  return (
    <article
      className={classes}
      data-id={message.id}
      tabIndex={isTabStop ? 0 : -1}
      aria-label={`${isOwn ? 'You' : author}, ${timeOf(message.created_at)}`}
      onFocus={() => setHasFocus(true)}
      onBlur={onBlur}
    >
      {isFirst && !isOwn && !isDirect && <Avatar name={author} />}
      <div className="bubble-line">
        <div className="bubble">
          {isFirst && !isOwn && !isDirect && <p className="author">{author}</p>}
          {message.is_forwarded && <ForwardNote source={message.forwarded_from} />}
          {message.parent_message && <Quote message={message.parent_message} />}
          <Attachments attachments={message.attachments} />
          {message.content && <Content html={message.content} />}
          <p className="meta">
            {message.is_edited && <span>edited</span>}
            <time dateTime={message.created_at} title={fullTimeOf(message.created_at)}>
              {timeOf(message.created_at)}
            </time>
            {isOwn && <DeliveryMark message={message} others={memberCount - 1} />}
          </p>
        </div>
        <MessageTools message={message} isOwn={isOwn} tabIndex={tabIndex} />
      </div>
      <Reactions message={message} tabIndex={tabIndex} />
    </article>
  );
});

function ForwardNote({ source }: { source: MessageShape['forwarded_from'] }) {
  return <p className="forwarded">Forwarded{source && 'sender' in source ? ` from ${nameOf(source.sender)}` : ''}</p>;
}
