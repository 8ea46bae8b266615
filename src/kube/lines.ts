// The lines of a stream of text. A line of a watch is one object, and can be much longer than a chunk.

/** Yields each line without its end. A rest without an end is dropped: the stream broke off. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  // The beginning of a line, in the chunks in which it came. Each chunk is searched once.
  const begun: string[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf('\n'); to !== -1; to = chunk.indexOf('\n', from)) {
      begun.push(chunk.slice(from, to));
      yield begun.join('');
      begun.length = 0;
      from = to + 1;
    }
    if (from < chunk.length) begun.push(chunk.slice(from));
  }
}
