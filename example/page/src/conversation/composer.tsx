import type { MessageShape, RoomShape } from 'express-realtime-chat/client';
import { type MessagesView, useRoom, useTyping } from 'express-realtime-chat/react';
import { type Dispatch, type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { fragmentOf } from '../content/fragment.ts';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';
import { AttachDialog } from './attach-dialog.tsx';
import { type Draft, type DraftEvent, emptyDraft } from './draft.ts';
import { DraftContext } from './draft-context.tsx';
import { writingRight } from './rights.ts';

/** Where messages are written: Enter sends, Shift+Enter makes a new line, Escape leaves a reply or an edit. */
export function Composer({
  roomId,
  room,
  view,
  draft,
  changeDraft,
}: {
  roomId: string;
  room: RoomShape | undefined;
  view: MessagesView;
  draft: Draft;
  changeDraft: Dispatch<DraftEvent>;
}) {
  const { account } = useAccount();
  const [mayWrite, setMayWrite] = useState(false);
  const right = room ? writingRight(room, account.user.id) : 'yes';
  const hasWritten = view.messages.some(({ sender }) => String(sender.id) === String(account.user.id));
  if (right === 'no') return <p className="no-composer">Only admins can write here while the group is locked.</p>;
  if (right === 'unknown' && !hasWritten && !mayWrite) {
    return (
      <p className="no-composer">
        Only moderators write here, and whom they allowed to.{' '}
        <button type="button" className="button small" onClick={() => setMayWrite(true)}>
          I am allowed to
        </button>
      </p>
    );
  }
  return <ComposerForm roomId={roomId} view={view} draft={draft} changeDraft={changeDraft} />;
}

function ComposerForm({
  roomId,
  view,
  draft,
  changeDraft,
}: {
  roomId: string;
  view: MessagesView;
  draft: Draft;
  changeDraft: Dispatch<DraftEvent>;
}) {
  const { account } = useAccount();
  const { actions } = useRoom(roomId);
  const { type } = useTyping(roomId);
  const { attempt } = useNotices();
  const [isAttaching, setIsAttaching] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  const { text, media, about, isSource } = draft;
  const isEdit = about?.kind === 'edit';
  const isEmpty = text.trim() === '' && media.length === 0;

  // A room was opened, or a reply or an edit was asked for: on with the writing. On a phone the keyboard would come out.
  const aboutId = about?.message.id;
  useEffect(() => {
    if (aboutId !== undefined || matchMedia('(hover: hover)').matches) input.current?.focus();
  }, [aboutId]);

  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    if (isEmpty) return;
    const content = isSource ? text : fragmentOf(text.trim());
    changeDraft({ type: 'clear' });
    input.current?.focus();
    if (isEdit) {
      const isDone = await attempt(() => actions.edit(about.message.id, content));
      // What was written is not lost.
      if (!isDone) changeDraft({ type: 'restore', draft });
      return;
    }
    view.send(content, {
      ...(about && { parent_message_id: about.message.id }),
      ...(media.length > 0 && { media: [...media] }),
    });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === 'Escape' && about) {
      event.preventDefault();
      changeDraft({ type: 'cancel' });
    } else if (event.key === 'ArrowUp' && draft === emptyDraft) {
      const last = lastOwn(view.messages, account.user.id);
      if (!last) return;
      event.preventDefault();
      changeDraft({ type: 'edit', message: last });
    }
  };

  return (
    <>
      <form className="composer" onSubmit={submit}>
        <DraftContext draft={draft} changeDraft={changeDraft} />
        <div className="composer-line">
          <IconButton icon="attach" label="Attach media" disabled={isEdit} onClick={() => setIsAttaching(true)} />
          <div className="grow" data-text={`${text}\n`}>
            <textarea
              ref={input}
              aria-label="Message"
              placeholder={isEdit ? 'Change the message' : 'Write a message'}
              rows={1}
              dir="auto"
              value={text}
              onChange={(event) => {
                changeDraft({ type: 'write', text: event.target.value });
                if (event.target.value.trim() !== '') type();
              }}
              onKeyDown={onKeyDown}
            />
          </div>
          <button type="submit" className="send" aria-label={isEdit ? 'Save' : 'Send'} disabled={isEmpty}>
            <Icon name={isEdit ? 'sent' : 'send'} />
          </button>
        </div>
      </form>
      {isAttaching && (
        <AttachDialog
          onAttach={(upload) => changeDraft({ type: 'attach', media: upload })}
          onClose={() => setIsAttaching(false)}
        />
      )}
    </>
  );
}

const lastOwn = (messages: readonly MessageShape[], me: number) =>
  messages.findLast(({ sender, content }) => String(sender.id) === String(me) && content !== '');
