// What stands behind the `#` of an address. Pure. People paste half an address, mail programs add to it, and nobody
// checks it before it gets here: whatever cannot be read leads to the first page, never to an error.

/** Ids of the contract: UUIDs. What is not one names nothing, and the server need not be asked. */
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isId = (text: string | undefined): text is string => text !== undefined && ID.test(text);

/** The parts of a path in the hash; none if one of them is not UTF-8 behind its percent signs. */
export function parts(hash: string): string[] {
  const [path = ''] = hash.replace(/^#?!?\/*/, '').split('?');
  try {
    const decoded = path.split('/').map(decodeURIComponent);
    while (decoded.at(-1) === '') decoded.pop();
    return decoded;
  } catch {
    return [];
  }
}
