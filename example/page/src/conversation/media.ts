import type { MediaUpload } from 'express-realtime-chat/client';

/** The kinds of media that the chat takes. */
export const mediaTypes = ['image', 'video', 'audio', 'file'] as const;

/** One of them. */
export type MediaType = (typeof mediaTypes)[number];

/** What an address ends with, and what it then is. */
const endings: Record<string, [MediaType, string]> = {
  jpg: ['image', 'image/jpeg'],
  jpeg: ['image', 'image/jpeg'],
  png: ['image', 'image/png'],
  gif: ['image', 'image/gif'],
  webp: ['image', 'image/webp'],
  bmp: ['image', 'image/bmp'],
  heic: ['image', 'image/heic'],
  mp4: ['video', 'video/mp4'],
  mov: ['video', 'video/quicktime'],
  webm: ['video', 'video/webm'],
  mp3: ['audio', 'audio/mpeg'],
  m4a: ['audio', 'audio/mp4'],
  ogg: ['audio', 'audio/ogg'],
  wav: ['audio', 'audio/wav'],
  opus: ['audio', 'audio/opus'],
  pdf: ['file', 'application/pdf'],
  doc: ['file', 'application/msword'],
  docx: ['file', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  xls: ['file', 'application/vnd.ms-excel'],
  xlsx: ['file', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ppt: ['file', 'application/vnd.ms-powerpoint'],
  pptx: ['file', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
  txt: ['file', 'text/plain'],
  csv: ['file', 'text/csv'],
};

/** Taken for an address whose end says nothing. */
const usual: Record<MediaType, string> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/mpeg',
  file: 'application/pdf',
};

/** What an address seems to be, by its end. */
export function guessType(url: string): MediaType | undefined {
  return endings[endingOf(url)]?.[0];
}

/** An attachment to send; its MIME type comes from the address, as far as that fits the kind. */
export function uploadOf(url: string, type: MediaType, caption: string): MediaUpload {
  const [guessed, mime] = endings[endingOf(url)] ?? [];
  return {
    media_url: url,
    media_type: type,
    mime_type: (guessed === type ? mime : usual[type]) as MediaUpload['mime_type'],
    ...(caption && { caption }),
  };
}

function endingOf(url: string): string {
  if (!URL.canParse(url)) return '';
  return /\.(\w+)$/.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? '';
}
