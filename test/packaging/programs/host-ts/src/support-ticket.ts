import {
  AbstractRoomType,
  type Columns,
  Joi,
  type LoadedRoom,
  type ModelContext,
  type RoomAloneShape,
  type RoomBaseShape,
  type RoomInListShape,
  RoomSerializer,
  type UserShape,
} from 'express-realtime-chat';
import { DataTypes, type InferAttributes } from 'sequelize';

export class SupportTicket extends AbstractRoomType<InferAttributes<SupportTicket>> {
  static override readonly table = 'support_tickets';
  declare status: 'open' | 'closed';
  declare requester_id: number | null;
  static override columns(context: ModelContext): Columns {
    return {
      ...AbstractRoomType.columns(context),
      name: { type: DataTypes.STRING(64), allowNull: false },
      requester_id: { type: context.userIdType, allowNull: true },
      status: { type: DataTypes.STRING(10), allowNull: false, defaultValue: 'open' },
    };
  }
}
interface TicketShape extends RoomBaseShape {
  type: 'SupportTicket';
  status?: SupportTicket['status'];
  requester: UserShape | null;
}
type Alone = TicketShape & RoomAloneShape & { agents: UserShape[] };
declare module 'express-realtime-chat' {
  interface RoomShapes {
    SupportTicket: Alone;
  }
  interface RoomListShapes {
    SupportTicket: TicketShape & RoomInListShape;
  }
  interface ChatModels {
    SupportTicket: typeof SupportTicket;
  }
}
export class SupportTicketSerializer extends RoomSerializer<Alone> {
  static override fields = { status: { schema: Joi.string().valid('open', 'closed'), updatable: true } };
  override serialize(room: LoadedRoom) {
    const requester = this.creator(room);
    const agents = this.users(room.member_users).filter(({ id }) => id !== requester?.id);
    return this.withFields(
      { type: 'SupportTicket' as const, ...this.common(room), ...this.alone(room), requester, agents },
      this.details(room),
    );
  }
}
export class SupportTicketListSerializer extends RoomSerializer<TicketShape & RoomInListShape> {
  override serialize(room: LoadedRoom) {
    return this.withFields(
      { type: 'SupportTicket' as const, ...this.common(room), ...this.inList(room), requester: this.creator(room) },
      this.details(room),
    );
  }
}
