/** One line on stderr; stdout is for the address and the sign-ins. @param {string} line */
export function log(line) {
  process.stderr.write(`${new Date().toISOString()} app: ${line}\n`);
}
