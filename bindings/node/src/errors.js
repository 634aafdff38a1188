const RETRYABLE = new Set(['unavailable', 'overloaded']);

// Names in messages come from the store: none of them forges a line of a log or steers a terminal.
const shown = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g,
  (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** What every call rejects with. `code` is one of Rowseal's error names (docs/errors.md). */
export class RowsealError extends Error {
  // Fields are its own whatever setters stand on Object.prototype.
  name = 'RowsealError';
  code;
  hint;
  retryable;

  /** @param {{code: string, message: string, hint?: string}} error */
  constructor({ code, message, hint = '' }) {
    super(shown(message));
    this.code = code;
    this.hint = shown(hint);
    this.retryable = RETRYABLE.has(code);
  }
}

/** Makes an error of an argument that can never do. */
export function badArgument(message, hint) {
  return new RowsealError({ code: 'invalid_argument', message, hint });
}

/** Makes an error of what the addon gave; anything else is a bug and stays what it is. */
export function fromNative(error) {
  return error instanceof Error ? error : new RowsealError(error);
}

export function cancelled() {
  return new RowsealError({ code: 'cancelled', message: 'the call was ended by its signal' });
}
