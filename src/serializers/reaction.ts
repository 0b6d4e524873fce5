import type { ReactionShape } from '../protocol/shapes.js';
import type { LoadedReaction } from './loaded.js';
import { Serializer } from './serializer.js';
import { isoTime, textOf } from './values.js';

/** Shows one user's reaction. */
export class ReactionSerializer extends Serializer<LoadedReaction, ReactionShape> {
  override serialize(reaction: LoadedReaction): ReactionShape {
    const shape = {
      id: reaction.id,
      user: this.user(reaction.user, reaction.user_id),
      reaction_content: textOf(reaction.reaction_content),
      created_at: isoTime(reaction.created_at),
    };
    return this.withFields(shape, reaction);
  }
}
