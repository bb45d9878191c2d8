export {default as samp} from "sampjs";
