const KINDS = { OneToOneChat: 'Chat', GroupChat: 'Group', Channel: 'Channel' };

/** What a room is called for this user. */
export function roomTitle(room) {
  if (room.type === 'OneToOneChat') return room.peer?.username ?? 'Chat';
  return room.name ?? 'Room';
}

export function roomKind(room) {
  return KINDS[room.type] ?? room.type;
}

/** A user may have been deleted. */
export function userName(user) {
  return user?.username ?? 'someone who left';
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export function timeOf(date) {
  return clock.format(new Date(date));
}

export function dayOf(date) {
  return day.format(new Date(date));
}

/** The time today, else the date. */
export function whenOf(date) {
  const isToday = new Date(date).toDateString() === new Date().toDateString();
  return isToday ? timeOf(date) : shortDay.format(new Date(date));
}
