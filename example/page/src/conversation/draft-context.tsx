import type { Dispatch } from 'react';
import { IconButton } from '../ui/icon-button.tsx';
import type { Draft, DraftEvent } from './draft.ts';
import { QuoteText } from './quote.tsx';

/** What stands above the text while it is written: the message it answers or changes, and what is attached. */
export function DraftContext({ draft, changeDraft }: { draft: Draft; changeDraft: Dispatch<DraftEvent> }) {
  const { about, media, isSource } = draft;
  const isEdit = about?.kind === 'edit';
  return (
    <>
      {about && (
        <div className="draft-about">
          <p className="quote">
            <span className="draft-kind">{isEdit ? 'Editing your message' : 'Reply to'}</span>
            <QuoteText message={about.message} />
          </p>
          <IconButton
            icon="close"
            label={isEdit ? 'Cancel the edit' : 'Cancel the reply'}
            onClick={() => changeDraft({ type: 'cancel' })}
          />
        </div>
      )}
      {isSource && <p className="hint">This message has formatting, so you see its HTML here.</p>}
      {media.length > 0 && (
        <ul className="draft-media" aria-label="Attachments">
          {media.map((upload, index) => (
            <li key={upload.media_url}>
              <span>{upload.caption || upload.media_url}</span>
              <IconButton
                icon="close"
                label={`Remove ${upload.caption || upload.media_url}`}
                onClick={() => changeDraft({ type: 'detach', index })}
              />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
