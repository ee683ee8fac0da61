// One thing that cannot be drawn must not take down what stands around it.

import { Component, type ComponentChildren, Fragment } from 'preact';

interface Props {
  children: ComponentChildren;
  /** Shown in its place. */
  instead: ComponentChildren;
}

export class Guard extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static override getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidCatch(error: unknown) {
    // For whoever looks into the matter; the reader is told in the page.
    console.error(error);
  }

  override render({ children, instead }: Props) {
    return this.state.broken ? instead : children;
  }
}

/** Not drawn by the list but below its guard, so that a row that throws throws there. */
const Row = ({ draw }: { draw(): ComponentChildren }) => <Fragment>{draw()}</Fragment>;

interface RowsProps<Item> {
  of: readonly Item[];
  instead: ComponentChildren;
  children(item: Item, nth: number): ComponentChildren;
}

/** The rows of a list, each on its own: a broken one is replaced and the others stand. */
export function Rows<Item extends { id: string }>({ of, instead, children }: RowsProps<Item>) {
  return (
    <>
      {of.map((item, nth) => (
        <Guard key={(item as Item | null)?.id ?? nth} instead={instead}>
          <Row draw={() => children(item, nth)} />
        </Guard>
      ))}
    </>
  );
}
