/**
 * The events that need nothing but their data. What they do to the page comes back as a dispatch.
 *
 * @param {(eventType: string, data: object) => Promise<any>} ask resolves with the answer; undefined when refused
 */
export function createEvents(ask) {
  return {
    edit: (message, content) =>
      ask('message.modify', { action: 'update', message_id: message.id, extra_fields: { content } }),
    remove: (message) => ask('message.modify', { action: 'delete', message_id: message.id }),
    /** @param {'add' | 'remove'} type */
    react: (message, reaction, type) =>
      ask('message.react', { type, message_id: message.id, reaction_content: reaction }),
    async discover(query, cursor) {
      const answer = await ask('room.discover', { ...(query && { query }), ...(cursor && { cursor }) });
      return answer?.data ?? { rooms: [], next_cursor: null };
    },
    roomInfo: async (roomId) => (await ask('room.info', { room_id: roomId }))?.data,
    async members(roomId, cursor) {
      const answer = await ask('room.members', { room_id: roomId, ...(cursor && { cursor }) });
      return answer?.data ?? { members: [], next_cursor: null };
    },
    addMembers: (roomId, members) => ask('room.add_members', { room_id: roomId, members }),
    removeMembers: (roomId, members) => ask('room.remove_members', { room_id: roomId, members }),
    leave: (roomId) => ask('room.leave', { room_id: roomId }),
    deleteRoom: (roomId) => ask('room.modify', { room_id: roomId, action: 'delete', data: {} }),
  };
}
