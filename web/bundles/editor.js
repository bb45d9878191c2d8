export {EditorView, basicSetup} from "codemirror";
export {keymap, placeholder} from "@codemirror/view";
export {EditorState, Compartment} from "@codemirror/state";
export {indentWithTab} from "@codemirror/commands";
export {HighlightStyle, syntaxHighlighting} from "@codemirror/language";
export {tags} from "@lezer/highlight";
export {sql, SQLDialect} from "@codemirror/lang-sql";
export {autocompletion, startCompletion} from "@codemirror/autocomplete";
export {forceLinting, linter} from "@codemirror/lint";
