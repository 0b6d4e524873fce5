import type { AttachmentShape } from 'express-realtime-chat/client';
import { useState } from 'react';
import { safeHref } from '../content/content.tsx';
import { Icon } from '../ui/icon.tsx';

/** What a message carries: pictures, films and sounds are shown, whatever else is a link. */
export function Attachments({ attachments }: { attachments: readonly AttachmentShape[] }) {
  return attachments.map((attachment) => <Attachment key={attachment.id} attachment={attachment} />);
}

function Attachment({ attachment }: { attachment: AttachmentShape }) {
  const { caption, media_url: url, media_type: type } = attachment;
  const [isBroken, setIsBroken] = useState(false);
  const href = safeHref(url);
  if (href === undefined) return null;
  const onError = () => setIsBroken(true);
  const isShown = !isBroken && type !== 'file';
  return (
    <figure className="attachment" data-type={isShown ? type : 'file'}>
      {isShown && type === 'image' && (
        <a href={href} target="_blank" rel="noopener noreferrer">
          <img src={href} alt={caption || 'Picture'} loading="lazy" referrerPolicy="no-referrer" onError={onError} />
        </a>
      )}
      {isShown && type === 'video' && (
        // biome-ignore lint/a11y/useMediaCaption: there are no subtitles for what others send
        <video src={href} controls preload="metadata" aria-label={caption || 'Video'} onError={onError} />
      )}
      {isShown && type === 'audio' && (
        // biome-ignore lint/a11y/useMediaCaption: there are no subtitles for what others send
        <audio src={href} controls preload="metadata" aria-label={caption || 'Sound'} onError={onError} />
      )}
      {!isShown && <FileLink href={href} attachment={attachment} />}
      {isShown && caption && <figcaption dir="auto">{caption}</figcaption>}
    </figure>
  );
}

function FileLink({ href, attachment }: { href: string; attachment: AttachmentShape }) {
  const { caption, file_size: size, mime_type: mime } = attachment;
  const { hostname, pathname } = new URL(href);
  return (
    <a className="file" href={href} target="_blank" rel="noopener noreferrer">
      <Icon name="file" />
      <span className="file-name">{caption || decoded(pathname.split('/').at(-1) ?? '') || hostname}</span>
      <span className="file-about">
        {[mime.split('/').at(-1)?.split('.').at(-1), sizeOf(size), hostname].filter(Boolean).join(' · ')}
      </span>
    </a>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function sizeOf(bytes: number): string {
  if (!bytes) return '';
  const kilobytes = bytes / 1000;
  return kilobytes < 1000 ? `${Math.ceil(kilobytes)} kB` : `${(kilobytes / 1000).toFixed(1)} MB`;
}
