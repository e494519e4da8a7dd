/** Why a tool cannot do what it was asked for: one line that says what to do. */
export class ToolFault extends Error {
  override readonly name: string = 'ToolFault';
}

/** There is no console to read as things stand: not yet, or no longer, or not on such a host. */
export class NoConsole extends ToolFault {
  override readonly name = 'NoConsole';
}
