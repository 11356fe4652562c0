/** The name of a journal. */
export const dayFile = /^calls-\d{4}-\d{2}-\d{2}\.jsonl$/;
/** A record has a few kilobytes; a longer line is none. */
const lineBytesMax = 65_536;

/** The lines of a journal, those that are too long left out. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  let tooLong = false;
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n')) {
      if (!tooLong && end <= lineBytesMax) yield bytes.toString('utf8', 0, end);
      tooLong = false;
      bytes = bytes.subarray(end + 1);
    }
    tooLong ||= bytes.length > lineBytesMax;
    rest = tooLong ? Buffer.alloc(0) : Buffer.from(bytes);
  }
  if (!tooLong && rest.length > 0) yield rest.toString('utf8');
}
