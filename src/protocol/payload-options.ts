import type Joi from 'joi';

/** The limits and types that payloads are checked against. */
export interface PayloadOptions {
  /** `userIdSchema(kind)`, for the host's user model. */
  readonly userId: Joi.Schema;
  readonly maxIdsPerEvent: number;
  readonly maxMembersPerCall: number;
  readonly maxPageSize: number;
  readonly maxContentLength: number;
  readonly maxRoomMembers: number;
  /** Columns of an extended message model that clients may give in `extra_fields`. */
  readonly messageFields?: Readonly<Record<string, Joi.Schema>> | undefined;
  /** The same for rooms, by room type; a type that is not among the three becomes known by this. */
  readonly roomFields?: Readonly<Record<string, Readonly<Record<string, Joi.Schema>>>> | undefined;
}
