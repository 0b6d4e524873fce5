import type { ReadReceiptShape } from '../protocol/shapes.js';
import type { LoadedReceipt } from './loaded.js';
import { Serializer } from './serializer.js';
import { isoTime } from './values.js';

/** Shows who read a message, and when. */
export class ReadReceiptSerializer extends Serializer<LoadedReceipt, ReadReceiptShape> {
  override serialize(receipt: LoadedReceipt): ReadReceiptShape {
    const shape = { reader: this.user(receipt.reader, receipt.user_id), read_at: isoTime(receipt.read_at) };
    return this.withFields(shape, receipt);
  }
}
