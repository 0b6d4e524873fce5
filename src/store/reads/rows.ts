import type { Model, ModelStatic } from 'sequelize';
import { isStandard } from '../../models/own-columns.js';
import { defaultSerializers, type SerializerName } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { type SqlValue, select, selectInstances } from './sql.js';

/** A model, and the serializer that shows its rows; none where only the chat's own code looks at them. */
export interface ShownModel {
  readonly model: ModelStatic<Model>;
  readonly serializer: SerializerName | null;
}

/**
 * Whether rows may be plain objects with the columns as the driver gives them: all that looks at them is the package's
 * own. Building instances costs several times what reading the rows does.
 */
export function isPlain(context: Pick<ReadContext, 'serializers'>, { model, serializer }: ShownModel): boolean {
  return isStandard(model) && (serializer === null || isOwnSerializer(context, serializer));
}

/** Whether the host put nothing in the place of this serializer. */
export function isOwnSerializer({ serializers }: Pick<ReadContext, 'serializers'>, name: SerializerName): boolean {
  return serializers.classes.get(name) === defaultSerializers[name];
}

/** Runs a SELECT over one model's table: plain rows, or where the host changed the model or what shows it, instances. */
export function selectRows<Row extends object>(
  context: ReadContext,
  shown: ShownModel,
  sql: string,
  replacements: Readonly<Record<string, SqlValue>>,
  options: TransactionOptions,
): Promise<Row[]> {
  if (isPlain(context, shown)) return select<Row>(context, sql, replacements, options);
  return selectInstances<Row>(context, shown.model, sql, replacements, options);
}

/** What a SELECT gave under this name, besides the columns of its model. */
export function extraOf(row: object, name: string): unknown {
  return ((row as { dataValues?: object }).dataValues ?? row)[name as never];
}
