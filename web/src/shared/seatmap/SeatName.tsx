// A seat in words. The section is an organiser's word in any script: what stands after it keeps its own direction.

interface Words {
  where(row: number, col: number): string;
}

export function SeatName({ of: { section, row, col }, words }: { of: { section: string; row: number; col: number }; words: Words }) {
  return <><bdi>{section}</bdi>{words.where(row, col)}</>;
}
