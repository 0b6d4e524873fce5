import type Joi from 'joi';

/** A column of the host's own: with a schema clients may give it, and change it later only if it is `updatable`. */
export interface OwnField {
  readonly schema?: Joi.Schema | undefined;
  readonly updatable?: boolean | undefined;
}

/** Own columns by name. */
export type OwnFields = Readonly<Record<string, OwnField>>;

/** What `room.create` takes for a room type. */
export interface RoomTypePayload {
  /** The columns in `extra_fields`. */
  readonly fields?: OwnFields | undefined;
  /** For a type of the host's: the field that names the first members, `participants` by default. */
  readonly membersField?: string | undefined;
  /** For a type of the host's: whether it has a name, and needs one. */
  readonly name?: 'required' | 'optional' | undefined;
  /** For a type of the host's: whether it has a description. */
  readonly description?: boolean | undefined;
}

/** The limits and types that payloads are checked against. */
export interface PayloadOptions {
  /** `userIdSchema(kind)`, for the host's user model. */
  readonly userId: Joi.Schema;
  readonly maxIdsPerEvent: number;
  readonly maxMembersPerCall: number;
  readonly maxMediaPerMessage: number;
  readonly maxPageSize: number;
  readonly maxRoomPageSize: number;
  readonly maxMemberPageSize: number;
  readonly maxContentLength: number;
  readonly maxRoomMembers: number;
  /** Columns of an extended message model that clients may give in `extra_fields`. */
  readonly messageFields?: OwnFields | undefined;
  /** The same for the attachments in `media`. */
  readonly mediaFields?: OwnFields | undefined;
  /** The same for `message.react`, which takes `extra_fields` only if there are any. */
  readonly reactionFields?: OwnFields | undefined;
  /** The same for `property`, beside `preferences`. */
  readonly propertyFields?: OwnFields | undefined;
  /** The same for rooms, by type; a type that is not among the three becomes known by this. */
  readonly roomTypes?: Readonly<Record<string, RoomTypePayload>> | undefined;
}
