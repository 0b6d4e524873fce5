export type { ReadContext } from './context.js';
export { type HistoryQuery, readHistory } from './history.js';
export { listMembers } from './members.js';
export { type LoadMessagesOptions, loadMessages, serializeMessages } from './messages.js';
export { readNotifications } from './notifications.js';
export { discoverRooms, type ListQuery, listRooms } from './room-list.js';
export { readRoom, readRooms } from './rooms.js';
export { UserCache } from './user-cache.js';
export { loadUsers, type UserDirectory } from './users.js';
