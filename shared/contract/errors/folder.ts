import { catalogue } from './spec.ts'

/** Folders of this computer and of the network. */
export const folderErrors = catalogue({
  'folder.outside': {
    retry: 'never', exit: 4,
    title: 'The path leads out of the share',
    happened: 'A setting, a link or a changed folder would lead outside the folder that is shared with the partner. Nothing was read or written there.',
    todo: ['Check the share and the folder below it in the connection.', 'If a folder there was replaced by a link, ask who did it.'],
  },
})
