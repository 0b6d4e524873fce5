import type { AttachmentShape } from '../protocol/shapes.js';
import type { LoadedMedia } from './loaded.js';
import { Serializer } from './serializer.js';
import { jsonObject } from './values.js';

/** Shows a file that a message carries. */
export class MessageMediaAssetSerializer extends Serializer<LoadedMedia, AttachmentShape> {
  override serialize(media: LoadedMedia): AttachmentShape {
    const shape = {
      id: media.id,
      media_url: media.media_url,
      media_type: media.media_type,
      file_size: Number(media.file_size),
      mime_type: media.mime_type,
      caption: media.caption ?? '',
      metadata: jsonObject(media.metadata),
    };
    return this.withFields(shape, media);
  }
}
