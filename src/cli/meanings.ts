/** The command that somebody may mean by a word of other programs, and what it is for. */
export function commandsMeantBy(word: string): string | undefined {
  return meanings.find(({ words }) => words.includes(word))?.hint;
}

/** Words of podman, docker, skopeo, apt, cargo, git and bootc. */
const meanings: readonly { readonly words: readonly string[]; readonly hint: string }[] = [
  {
    words: ['list', 'ls', 'ps', 'show', 'find', 'scan'],
    hint: '`berth images` lists the images of a root, `berth status` what is staged, `berth pins` what is pinned',
  },
  {
    words: ['clean', 'cleanup', 'gc', 'rmi', 'purge', 'autoremove', 'vacuum'],
    hint: '`berth prune` removes images that no root needs',
  },
  {
    words: ['rm', 'remove', 'delete', 'del', 'drop', 'unstage', 'reset', 'undo'],
    hint: '`berth release` drops the pins of a root, `berth unpin` one made by hand, and `berth prune` then removes images',
  },
  {
    words: ['fetch', 'download', 'get', 'sync', 'prefetch', 'prepare'],
    hint: '`berth stage` fetches and pins what a root needs, `berth pull` images by name',
  },
  {
    words: ['check', 'test', 'ready', 'validate', 'audit'],
    hint: '`berth verify` says whether a root is ready, `berth lint` what to correct in a tree before it ships',
  },
  {
    words: ['inspect', 'explain', 'who', 'describe'],
    hint: '`berth why` shows who names an image, and who holds it',
  },
  {
    words: ['update', 'upgrade', 'restart', 'deploy', 'switch'],
    hint: '`berth apply` restarts what changed in the running root; `berth stage` prepares the next',
  },
  {
    words: ['save', 'export', 'pack'],
    hint: '`berth bundle` writes the images of a root into one file',
  },
  { words: ['import', 'restore'], hint: '`berth load` reads a bundle' },
  {
    words: ['diff', 'preview', 'dry-run', 'df', 'du', 'size'],
    hint: '`berth plan` shows what a stage would do, in bytes',
  },
  {
    words: ['info', 'state', 'roots', 'health'],
    hint: '`berth status` shows every staged root and its images',
  },
  {
    words: ['embed', 'bake', 'copy', 'cp'],
    hint: '`berth ship` writes the images of a tree into the tree',
  },
  { words: ['boot', 'up', 'start'], hint: '`berth activate` does what is left at the boot' },
  {
    words: ['freeze', 'pins-file', 'resolve', 'digest'],
    hint: '`berth lock` writes digests into a tree',
  },
  {
    words: ['monitor', 'daemon', 'serve', 'events', 'heal', 'repair', 'fix'],
    hint: '`berth watch` puts back what others take away, `berth stage` what is missing now',
  },
  {
    words: ['html', 'page', 'dashboard', 'web', 'ui', 'graph', 'summary'],
    hint: '`berth report` writes a page of HTML about this host, or about a root',
  },
];
