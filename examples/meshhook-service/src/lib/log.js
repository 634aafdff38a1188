/** Writes one line of JSON. Give ids, codes and names; never a body, a header or a value. */
export function log(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...fields })}\n`);
}

/**
 * What may be logged of an error. The message of an error that is not Rowseal's may quote what was
 * parsed or sent (`JSON.parse` and `fetch` do), so it stays out.
 */
export function describe(error) {
  if (error?.name === 'RowsealError') {
    return { code: error.code, message: error.message, hint: error.hint };
  }
  return { name: error?.name, code: error?.code ?? error?.cause?.code,
    where: String(error?.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
      .slice(0, 4).map((line) => line.trim()) };
}
