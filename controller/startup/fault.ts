/** The program cannot start here until somebody changes something: `message` is one line that says what. */
export class StartFault extends Error {
  override readonly name = 'StartFault';
}
