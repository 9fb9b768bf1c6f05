"""How is one step taken?"""
