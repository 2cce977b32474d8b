/** 让自己的网络能求梯度（prepare for gradients）；见 tf/gradient-calls。 */
export { prepareForGradients } from '../tf/gradient-calls';
