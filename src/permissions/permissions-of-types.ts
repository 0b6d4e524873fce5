/** The permissions that members of a room of each type can be given one by one; admins and moderators have them all. */
export const permissionsOfTypes: Readonly<Record<string, readonly string[]>> = {
  GroupChat: ['can_add_new_participants', 'can_remove_participants'],
  Channel: ['can_add_new_subscribers', 'can_remove_subscribers', 'can_send_messages'],
};
