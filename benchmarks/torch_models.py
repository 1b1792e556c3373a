"""The networks of models/*.cpp in PyTorch, with the same structure.

compare_torch.py compares the number of parameters with what d2l-train prints, so that a difference
in structure stops the comparison.
"""
import torch
from torch import nn
from torch.nn import functional as F


def build(name):
    return BUILDERS[name]()


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))


def conv_relu(in_channels, out_channels, kernel, **options):
    return [nn.Conv2d(in_channels, out_channels, kernel, **options), nn.ReLU(inplace=True)]


def dropped_classifier(features):
    """Two hidden layers of 4096 with dropout, as in AlexNet and VGG."""
    return [nn.Flatten(),
            nn.Linear(features, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4096, 10)]


def averaged(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def alexnet():
    return nn.Sequential(
        *conv_relu(1, 96, 11, stride=4, padding=1), nn.MaxPool2d(3, 2),
        *conv_relu(96, 256, 5, padding=2), nn.MaxPool2d(3, 2),
        *conv_relu(256, 384, 3, padding=1), *conv_relu(384, 384, 3, padding=1),
        *conv_relu(384, 256, 3, padding=1), nn.MaxPool2d(3, 2), *dropped_classifier(6400))


def vgg11():
    """With a quarter of the channels, as in the book."""
    layers, channels = [], 1
    for count, out in ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128)):
        for _ in range(count):
            layers += conv_relu(channels, out, 3, padding=1)
            channels = out
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, *dropped_classifier(channels * 7 * 7))


def nin():
    def block(in_channels, out, kernel, **options):
        return [*conv_relu(in_channels, out, kernel, **options), *conv_relu(out, out, 1),
                *conv_relu(out, out, 1)]

    return nn.Sequential(
        *block(1, 96, 11, stride=4), nn.MaxPool2d(3, 2),
        *block(96, 256, 5, padding=2), nn.MaxPool2d(3, 2),
        *block(256, 384, 3, padding=1), nn.MaxPool2d(3, 2), nn.Dropout(0.5),
        *block(384, 10, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Inception(nn.Module):
    def __init__(self, channels, one, three, five, pooled):
        super().__init__()
        self.one = nn.Sequential(*conv_relu(channels, one, 1))
        self.three = nn.Sequential(*conv_relu(channels, three[0], 1),
                                   *conv_relu(three[0], three[1], 3, padding=1))
        self.five = nn.Sequential(*conv_relu(channels, five[0], 1),
                                  *conv_relu(five[0], five[1], 5, padding=2))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), *conv_relu(channels, pooled, 1))

    def forward(self, x):
        return torch.cat((self.one(x), self.three(x), self.five(x), self.pooled(x)), 1)


def googlenet():
    def pool():
        return nn.MaxPool2d(3, 2, 1)

    return nn.Sequential(
        *conv_relu(1, 64, 7, stride=2, padding=3), pool(),
        *conv_relu(64, 64, 1), *conv_relu(64, 192, 3, padding=1), pool(),
        Inception(192, 64, (96, 128), (16, 32), 32),
        Inception(256, 128, (128, 192), (32, 96), 64), pool(),
        Inception(480, 192, (96, 208), (16, 48), 64),
        Inception(512, 160, (112, 224), (24, 64), 64),
        Inception(512, 128, (128, 256), (24, 64), 64),
        Inception(512, 112, (144, 288), (32, 64), 64),
        Inception(528, 256, (160, 320), (32, 128), 128), pool(),
        Inception(832, 256, (160, 320), (32, 128), 128),
        Inception(832, 384, (192, 384), (48, 128), 128), *averaged(1024))


class Residual(nn.Module):
    """Two 3 x 3 convolutions parallel to `shortcut`."""

    def __init__(self, in_channels, out, stride, bias, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = shortcut

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


class PaddedSubsample(nn.Module):
    """He's option A: every second pixel, zero channels on both sides."""

    def __init__(self, more):
        super().__init__()
        self.padding = (0, 0, 0, 0, more // 2, more - more // 2)

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], self.padding)


def resnet18():
    """As in the book: convolutions with biases, 1 x 1 shortcuts without batch norm."""
    layers = [nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
              nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for out in (64, 128, 256, 512):
        narrow = channels == out
        shortcut = nn.Identity() if narrow else nn.Conv2d(channels, out, 1, 2)
        layers += [Residual(channels, out, 1 if narrow else 2, True, shortcut),
                   Residual(out, out, 1, True, nn.Identity())]
        channels = out
    return nn.Sequential(*layers, *averaged(512))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    channels = 16
    for out in (16, 32, 64):
        narrow = channels == out
        shortcut = nn.Identity() if narrow else PaddedSubsample(out - channels)
        layers += [Residual(channels, out, 1 if narrow else 2, False, shortcut),
                   Residual(out, out, 1, False, nn.Identity()),
                   Residual(out, out, 1, False, nn.Identity())]
        channels = out
    return nn.Sequential(*layers, *averaged(64))


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x):
        samples, length, width = x.shape
        split = self.qkv(self.norm1(x)).view(samples, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        x = x + self.output(mixed.reshape(samples, length, width))
        return x + self.mlp(self.norm2(x))


class VitTiny(nn.Module):
    def __init__(self, side=28, width=64):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 4, 4)
        self.positions = nn.Parameter(0.02 * torch.randn((side // 4) ** 2, width))
        self.blocks = nn.Sequential(*(EncoderBlock(width, 4, 2 * width) for _ in range(6)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(1))


def torchvision(name):
    """A network from torchvision, which only these networks need."""
    def build_it():
        from torchvision import models
        return getattr(models, name)(num_classes=10)
    return build_it


BUILDERS = {"mlp": mlp, "lenet": lenet, "alexnet": alexnet, "vgg11": vgg11, "nin": nin,
            "googlenet": googlenet, "resnet18": resnet18, "resnet20": resnet20,
            "vit-tiny": VitTiny, "tv-resnet50": torchvision("resnet50"),
            "tv-vgg16": torchvision("vgg16")}
