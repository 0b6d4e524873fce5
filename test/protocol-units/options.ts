import { type PayloadOptions, userIdSchema } from '../../src/protocol/payloads.js';

/** As settings have them, with user ids that are numbers. */
export const options: PayloadOptions = {
  userId: userIdSchema('integer'),
  maxIdsPerEvent: 100,
  maxMembersPerCall: 1000,
  maxMediaPerMessage: 100,
  maxPageSize: 200,
  maxRoomPageSize: 100,
  maxMemberPageSize: 500,
  maxContentLength: 10_000,
  maxRoomMembers: 10_000,
};
