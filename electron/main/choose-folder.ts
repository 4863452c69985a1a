import { BrowserWindow, dialog, type OpenDialogOptions } from 'electron'

/** The system's own dialog for folders, in front of the window. Null when a person chose none. */
export async function chooseFolder(at: string | undefined): Promise<string | null> {
  const options: OpenDialogOptions = { properties: ['openDirectory', 'createDirectory'], ...(at === undefined ? {} : { defaultPath: at }) }
  const window = BrowserWindow.getFocusedWindow()
  const { canceled, filePaths } = await (window === null ? dialog.showOpenDialog(options) : dialog.showOpenDialog(window, options))
  return canceled ? null : (filePaths[0] ?? null)
}
