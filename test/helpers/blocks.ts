/** What the driver is given, taken apart. */

/** The statements of a block, without what bounds its time; of any other statement, itself. */
export function statementsOf(sql: string): string[] {
  const [, inner] = /^BEGIN NOT ATOMIC\n(.*);\nEND$/s.exec(sql) ?? [];
  return (
    inner?.split(';\n').filter((part) => !/^(SET @express_realtime_chat_time|IF TIMESTAMPDIFF)\b/.test(part)) ?? [sql]
  );
}
