const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
const day = 24 * 3600 * 1000;

/** `14:05`. */
export const timeOf = (date: string) => clock.format(new Date(date));

/** `21 November 2026 at 14:05`. */
export const fullTimeOf = (date: string) => full.format(new Date(date));

/** A key that is the same for times of one day here. */
export const dayKeyOf = (date: string) => new Date(date).toDateString();

/** `Today`, `Yesterday`, or `Friday 20 November`. */
export function dayOf(date: string, now = Date.now()): string {
  if (dayKeyOf(date) === new Date(now).toDateString()) return 'Today';
  if (dayKeyOf(date) === new Date(now - day).toDateString()) return 'Yesterday';
  return longDay.format(new Date(date));
}

/** The time today, the weekday within a week, else the date. */
export function whenOf(date: string, now = Date.now()): string {
  const then = new Date(date);
  if (dayKeyOf(date) === new Date(now).toDateString()) return clock.format(then);
  return now - then.getTime() < 6 * day ? weekday.format(then) : shortDay.format(then);
}
