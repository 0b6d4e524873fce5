/** Parts of a host in plain JavaScript: right ones, and such as do not fit. */
import {
  AbstractMessage,
  AbstractReaction,
  ChatConnection,
  ChatMessagingConsumer,
  EventHandler,
  ExceptionHandler,
  Joi,
  MessageSerializer,
  mapEventTypesToHandlers,
  PermissionHandler,
  UserSerializer,
  ValidationError,
} from 'express-realtime-chat';
import { DataTypes } from 'sequelize';

export class ModeratedHandler extends EventHandler {
  async _createMessage(data, user, options) {
    if (/spam/i.test(data.content)) throw new ValidationError('Message contains prohibited content');
    return super._createMessage(data, user, options);
  }
}

export class ShortUserSerializer extends UserSerializer {
  serialize = ({ id, username }) => ({ id, username });
}

export class Consumer extends ChatMessagingConsumer {}
export class Connection extends ChatConnection {}
export class Permissions extends PermissionHandler {}
export class Errors extends ExceptionHandler {}
export const mapEvents = (consumer) => mapEventTypesToHandlers(consumer);

export class PythonHandler extends EventHandler {
  async create_message() {}
}

export class UnguardedConsumer extends ChatMessagingConsumer {
  async receiveMessagePin() {}
}
export const mapBareMethod = (consumer) => ({
  ...mapEventTypesToHandlers(consumer),
  'message.pin': consumer.receiveMessagePin,
});

export class PriorityMessage extends AbstractMessage {
  static columns(context) {
    return { ...AbstractMessage.columns(context), priority: { type: DataTypes.STRING(10), defaultValue: 'normal' } };
  }
}
export class PriorityMessageSerializer extends MessageSerializer {
  static fields = { priority: { schema: Joi.string() } };
}
export class WrongMessageSerializer extends MessageSerializer {
  static fields = { colour: { schema: Joi.string() } };
}
export class SeqMessageSerializer extends MessageSerializer {
  static fields = { seq: { schema: Joi.number() } };
}
export class LackingReaction extends AbstractReaction {
  static columns(context) {
    const { reaction_content: _, ...columns } = AbstractReaction.columns(context);
    return columns;
  }
}
