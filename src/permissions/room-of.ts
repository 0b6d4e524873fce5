import type { Room } from '../models/index.js';

/** What a room is asked of. */
type Finder = { readonly room?: Room | undefined };

const finder = Symbol('finder');

/** One getter for all. V8 keeps what a getter of one object refers to until it collects the whole heap. */
const room: PropertyDescriptor = {
  enumerable: true,
  get(this: { readonly [finder]: Finder }) {
    return this[finder].room;
  },
};

/** Gives an answer a `room`, which `of` is asked for when somebody looks at it: building it takes time, and few do. */
export function withRoomOf<Answer extends object, Of extends Finder>(
  answer: Answer,
  of: Of,
): Answer & Pick<Of, 'room'> {
  Object.defineProperty(answer, finder, { value: of });
  return Object.defineProperty(answer, 'room', room) as Answer & Pick<Of, 'room'>;
}
