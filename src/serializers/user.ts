import type { Model, ModelStatic } from 'sequelize';
import type { UserId, UserShape } from '../protocol/shapes.js';
import type { LoadedUser } from './loaded.js';
import { Serializer } from './serializer.js';

/** Shows a user of the host's model; a field the model lacks is null. `Shape` is what a subclass shows instead. */
export class UserSerializer<Shape extends object = UserShape> extends Serializer<LoadedUser, Shape> {
  override serialize(user: LoadedUser): Shape {
    const shape = {
      id: idOf(user),
      username: text(user, 'username', 'userName'),
      email: this.context.settings.exposeEmail ? text(user, 'email') : null,
      first_name: text(user, 'first_name', 'firstName'),
      last_name: text(user, 'last_name', 'lastName'),
    };
    return this.withFields(shape as Shape, user);
  }
}

/** The primary key, whatever the host's model calls it. */
function idOf(user: LoadedUser): UserId {
  const key = (user.constructor as Partial<ModelStatic<Model>> | undefined)?.primaryKeyAttribute ?? 'id';
  return (user as Record<string, unknown>)[key] as UserId;
}

function text(user: LoadedUser, ...names: string[]): string | null {
  for (const name of names) {
    const value = (user as Record<string, unknown>)[name];
    if (value !== undefined && value !== null) return String(value);
  }
  return null;
}
