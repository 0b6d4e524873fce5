import Joi from 'joi';
import { givenFields, httpUrl, text, whole } from './fields.js';
import type { OwnFields } from './payload-options.js';

/** What an attachment is shown as. The database holds the same list as a constraint. */
export const mediaTypes = ['image', 'video', 'audio', 'file'] as const;

const office = 'application/vnd.openxmlformats-officedocument';

/** The mime types an attachment may have. The database holds the same list as a constraint. */
export const mimeTypes = [
  ...['jpeg', 'png', 'gif', 'webp', 'bmp', 'heic'].map((type) => `image/${type}`),
  ...['mpeg', 'mp4', 'aac', 'ogg', 'wav', 'opus'].map((type) => `audio/${type}`),
  ...['mp4', 'quicktime', 'webm', 'ogg', 'x-msvideo', 'x-matroska'].map((type) => `video/${type}`),
  'application/pdf',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.ms-powerpoint',
  `${office}.wordprocessingml.document`,
  `${office}.spreadsheetml.sheet`,
  `${office}.presentationml.presentation`,
  'text/plain',
  'text/csv',
] as const;

/** One attachment as the sender gives it, with the columns of an extended model. */
export function media(maxCaptionLength: number, own: OwnFields = {}): Joi.ObjectSchema {
  return Joi.object({
    ...givenFields(own),
    media_url: httpUrl().required(),
    media_type: Joi.valid(...mediaTypes).required(),
    mime_type: Joi.valid(...mimeTypes).required(),
    file_size: whole(0).default(0),
    caption: text(0, maxCaptionLength).default(''),
    metadata: Joi.object().default({}),
  });
}
