export {samp} from "sampjs";
