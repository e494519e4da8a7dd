/** Why a tool cannot do what it was asked for: one line that says what to do. */
export class ToolFault extends Error {
  override readonly name = 'ToolFault';
}
