/** Trees as virsh draws them. */

/** A thing and what is below it. */
export interface TreeNode {
  readonly name: string;
  readonly children: readonly TreeNode[];
}

function draw(node: TreeNode, start: string, indent: string, last: boolean): string {
  const lines = [`${start}${node.name}\n`];
  if (node.children.length > 0) lines.push(`${indent}  |\n`);
  for (const [i, child] of node.children.entries()) {
    const isLast = i === node.children.length - 1;
    lines.push(draw(child, `${indent}  +- `, `${indent}  ${isLast ? ' ' : '|'} `, isLast));
  }
  // Air behind the last of a list, unless what is below it has left some already.
  if (node.children.length === 0 && last) lines.push(`${indent}\n`);
  return lines.join('');
}

/** The lines of a tree. */
export function drawTree(root: TreeNode): string {
  return draw(root, '', '', true);
}

/** Trees of things that know the name of the one above them; those whose parent is not among them are roots. */
export function growTrees(things: readonly { readonly name: string; readonly parent: string | null }[]): TreeNode[] {
  const nodes = new Map(things.map(({ name }) => [name, { name, children: [] as TreeNode[] }]));
  const roots: TreeNode[] = [];
  for (const { name, parent } of things) {
    const node = nodes.get(name)!;
    const above = parent === null ? undefined : nodes.get(parent);
    if (above === undefined || above === node) roots.push(node);
    else above.children.push(node);
  }
  return roots;
}
