import type { MediaUpload } from 'express-realtime-chat/client';
import { type FormEvent, useState } from 'react';
import { safeHref } from '../content/content.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Attachments } from './attachments.tsx';
import { guessType, type MediaType, mediaTypes, uploadOf } from './media.ts';

const names: Record<MediaType, string> = { image: 'Picture', video: 'Video', audio: 'Sound', file: 'File' };

/** Attaches what lies at a web address, with a look at it before. */
export function AttachDialog({ onAttach, onClose }: { onAttach: (media: MediaUpload) => void; onClose: () => void }) {
  const [address, setAddress] = useState('');
  const [chosen, setChosen] = useState<MediaType>();
  const [caption, setCaption] = useState('');
  const url = safeHref(address.trim());
  const type = chosen ?? guessType(address.trim()) ?? 'file';

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!url) return;
    onAttach(uploadOf(url, type, caption.trim()));
    onClose();
  };

  return (
    <Dialog title="Attach media" onClose={onClose}>
      <form className="dialog-form" onSubmit={submit}>
        <label className="field">
          Web address
          <input
            type="url"
            placeholder="https://"
            pattern="https?://.+"
            value={address}
            onChange={(event) => setAddress(event.target.value)}
            required
          />
        </label>
        <fieldset className="segments">
          <legend>Kind</legend>
          {mediaTypes.map((one) => (
            <label key={one}>
              <input type="radio" name="media-type" checked={one === type} onChange={() => setChosen(one)} />
              {names[one]}
            </label>
          ))}
        </fieldset>
        <label className="field">
          Caption
          <input value={caption} maxLength={200} onChange={(event) => setCaption(event.target.value)} />
        </label>
        <div className="preview">
          {url ? (
            <Attachments key={`${url} ${type}`} attachments={[previewOf(uploadOf(url, type, caption.trim()))]} />
          ) : (
            <p className="quiet">A look at it appears here.</p>
          )}
        </div>
        <div className="dialog-buttons">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!url}>
            Attach
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const previewOf = (media: MediaUpload) => ({ id: 'preview', file_size: 0, caption: '', metadata: {}, ...media });
