import type { Model, ModelStatic } from 'sequelize';
import type { ChatModels } from './index.js';

/**
 * The models as the chat's own code uses them: without default scopes. A host's default order or filter is for the
 * host's queries; in the chat's it would move or hide rows that numbers and pages count on. A model without a default
 * scope is the same class.
 */
export function withoutDefaultScopes(models: ChatModels): ChatModels {
  const plain = Object.fromEntries(
    Object.entries(models).map(([name, value]) => [
      name,
      typeof value === 'function' && name !== 'User' ? bare(value) : value,
    ]),
  );
  const roomTypes = new Map([...models.roomTypes].map(([name, type]) => [name, { ...type, model: bare(type.model) }]));
  return { ...plain, roomTypes } as unknown as ChatModels;
}

function bare<M extends ModelStatic<Model>>(model: M): M {
  const isScoped = Object.keys(model.options?.defaultScope ?? {}).length > 0;
  return isScoped ? (model.unscoped() as M) : model;
}
